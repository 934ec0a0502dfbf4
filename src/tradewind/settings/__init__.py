"""The one tree of settings: what there is (`tree`), where values come from (`layers`) and what is refused (`value`)."""

from tradewind.settings.field import Field as Field
from tradewind.settings.field import Section as Section
from tradewind.settings.loading import DEFAULT as DEFAULT
from tradewind.settings.loading import Loaded as Loaded
from tradewind.settings.loading import all_fields as all_fields
from tradewind.settings.loading import all_sections as all_sections
from tradewind.settings.loading import get_field as get_field
from tradewind.settings.loading import load as load
from tradewind.settings.loading import resolve as resolve
from tradewind.settings.place import FILE_NAME as FILE_NAME
from tradewind.settings.place import default_home as default_home
from tradewind.settings.place import find as find
from tradewind.settings.place import find_all as find_all
from tradewind.settings.tree import DagsSettings as DagsSettings
from tradewind.settings.tree import DatabaseSettings as DatabaseSettings
from tradewind.settings.tree import FolderSettings as FolderSettings
from tradewind.settings.tree import ImageSettings as ImageSettings
from tradewind.settings.tree import LocalRuntimeSettings as LocalRuntimeSettings
from tradewind.settings.tree import LogSettings as LogSettings
from tradewind.settings.tree import RuntimeSettings as RuntimeSettings
from tradewind.settings.tree import SchedulerSettings as SchedulerSettings
from tradewind.settings.tree import SecretsSettings as SecretsSettings
from tradewind.settings.tree import ServerSettings as ServerSettings
from tradewind.settings.tree import Settings as Settings
from tradewind.settings.tree import XComSettings as XComSettings
