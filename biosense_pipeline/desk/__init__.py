"""The supervisors' desk: a web application over the store. It decides nothing of its own and knows no Dagster."""
