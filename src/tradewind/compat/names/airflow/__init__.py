"""The top of Airflow's names; what is below it is made by `tradewind.compat.modules` when it is asked for."""

from tradewind.compat import metadata as _metadata
from tradewind.compat import modules as _modules

__version__ = _metadata.version()
__path__ = []  # modules below come from the finder alone
_modules.install()


def __getattr__(name):
    return _modules.attribute("airflow", name)
