"""The fault table's installation, for what takes real workers and real time."""

from tests.faults.conftest import site as site
from tests.faults.conftest import waits as waits
