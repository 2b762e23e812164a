"""Who may sign in at the desk, for how long, and what each of them did."""
