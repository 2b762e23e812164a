"""`biosense attacks`: an operator's own attacks, collected at his own cameras and learnt from."""

import click

from biosense_pipeline.cli.attack_session import collect
from biosense_pipeline.cli.attack_training import train


@click.group()
def attacks() -> None:
    """Collect attacks of your own, and train a score on them."""


attacks.add_command(collect)
attacks.add_command(train)
