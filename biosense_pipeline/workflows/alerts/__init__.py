"""Alerts: supervisors are told of incidents, by whatever channels Apprise knows."""
