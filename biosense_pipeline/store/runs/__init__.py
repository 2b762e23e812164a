"""What runs need of the database: signs of life, and the hours that have work."""
