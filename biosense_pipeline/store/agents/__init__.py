"""Agents: registered by themselves, found under any spelling, and seen by whom."""
