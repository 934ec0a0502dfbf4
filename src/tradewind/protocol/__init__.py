"""Messages between the control plane, the podlet and workers. Versioned: a worker's image may be older than we are.

Frames on a stream socket: 4 bytes of length (big-endian, unsigned), then one msgpack message. Unknown fields are
ignored, new fields have defaults; `VERSION` moves only when an old peer could misunderstand.
"""

VERSION = 1
