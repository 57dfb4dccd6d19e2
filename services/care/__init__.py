"""Care of the database: putting a copy away, putting one back, saving what is left of it."""
