"""`mailrun runs`: the commands about runs, each from its room."""

from __future__ import annotations

from webapp.evidence.commands import evidence_command
from webapp.new_run.commands import new_run_commands
from webapp.results.commands import result_commands
from webapp.runs.commands import runs

for command in (*new_run_commands, *result_commands, evidence_command):
    runs.add_command(command)
