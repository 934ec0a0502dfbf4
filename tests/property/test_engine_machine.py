"""The engine under random histories: see `engine_machine` for what happens and `engine_checks` for what must hold."""

from __future__ import annotations

from tests.property.engine_machine import EngineMachine

TestEngine = EngineMachine.TestCase
