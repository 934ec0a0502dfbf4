CREATE TABLE attempt (
  run_key BIGINT NOT NULL,
  task_id TEXT NOT NULL,
  map_index INTEGER NOT NULL,
  attempt_id TEXT NOT NULL,
  phase TEXT NOT NULL,
  reason TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (run_key, task_id, map_index, attempt_id)
)
 WITHOUT ROWID;

CREATE UNIQUE INDEX attempt_by_id ON attempt (attempt_id);

CREATE INDEX attempt_live ON attempt (run_key) WHERE phase <> 'ended';

CREATE TABLE backfill (
  backfill_id BIGINT NOT NULL,
  dag_id TEXT NOT NULL,
  state TEXT NOT NULL,
  version TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (backfill_id)
)
 WITHOUT ROWID;

CREATE INDEX backfill_by_state ON backfill (state, backfill_id);

CREATE INDEX backfill_of_dag ON backfill (dag_id, backfill_id);

CREATE TABLE dag (
  dag_id TEXT NOT NULL,
  version TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (dag_id)
);

CREATE TABLE dag_file (
  bundle TEXT NOT NULL,
  path TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (bundle, path)
);

CREATE TABLE dag_run (
  run_key BIGINT NOT NULL,
  dag_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  state TEXT NOT NULL,
  version TEXT NOT NULL,
  logical_date BIGINT,
  body TEXT NOT NULL,
  backfill_id BIGINT,
  PRIMARY KEY (run_key),
  CONSTRAINT dag_run_id UNIQUE (dag_id, run_id)
)
 WITHOUT ROWID;

CREATE INDEX dag_run_by_date ON dag_run (dag_id, logical_date);

CREATE INDEX dag_run_by_state ON dag_run (state, run_key);

CREATE INDEX dag_run_of_backfill ON dag_run (backfill_id, state, run_key) WHERE backfill_id IS NOT NULL;

CREATE INDEX dag_run_of_dag ON dag_run (dag_id, run_key);

CREATE INDEX dag_run_of_dag_by_state ON dag_run (dag_id, state, run_key);

CREATE TABLE dag_version (
  version TEXT NOT NULL,
  tree TEXT NOT NULL,
  summary TEXT NOT NULL,
  body TEXT NOT NULL,
  dag_id TEXT DEFAULT '' NOT NULL,
  created_at BIGINT DEFAULT '0' NOT NULL,
  PRIMARY KEY (version)
);

CREATE INDEX dag_version_of_dag ON dag_version (dag_id, created_at, version);

CREATE TABLE fact (
  number INTEGER NOT NULL,
  at BIGINT NOT NULL,
  run_key BIGINT,
  body TEXT NOT NULL,
  PRIMARY KEY (number)
);

CREATE TABLE inbox (
  inbox_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  at BIGINT NOT NULL,
  asked_by TEXT NOT NULL,
  command TEXT NOT NULL,
  result TEXT
);

CREATE INDEX inbox_waiting ON inbox (inbox_id) WHERE result IS NULL;

CREATE TABLE lease (
  name TEXT NOT NULL,
  holder TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  commits BIGINT NOT NULL,
  last_fact BIGINT NOT NULL,
  last_run_key BIGINT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE outbox (
  "key" TEXT NOT NULL,
  due_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY ("key")
);

CREATE INDEX outbox_due ON outbox (due_at, "key");

CREATE TABLE slot_pool (
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE task_count (
  run_key BIGINT NOT NULL,
  group_id TEXT NOT NULL,
  state TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (run_key, group_id, state)
)
 WITHOUT ROWID;

CREATE TABLE task_instance (
  run_key BIGINT NOT NULL,
  task_id TEXT NOT NULL,
  map_index INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempt_id TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (run_key, task_id, map_index)
)
 WITHOUT ROWID;

CREATE TABLE vault_row (
  kind TEXT NOT NULL,
  "key" TEXT NOT NULL,
  sealed BLOB NOT NULL,
  key_id TEXT NOT NULL,
  description TEXT NOT NULL,
  PRIMARY KEY (kind, "key")
);

CREATE TABLE xcom (
  run_key BIGINT NOT NULL,
  task_id TEXT NOT NULL,
  map_index INTEGER NOT NULL,
  "key" TEXT NOT NULL,
  value BLOB NOT NULL,
  length BIGINT,
  PRIMARY KEY (run_key, task_id, map_index, "key")
);
