"""Moving the roadmap into Salesforce: umbrellas, backfill, parity, load file."""
