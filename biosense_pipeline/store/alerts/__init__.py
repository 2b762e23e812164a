"""Messages about incidents: which are worth telling, to whom they were sent, and which do not arrive."""
