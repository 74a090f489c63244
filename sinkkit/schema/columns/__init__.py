"""What is known of tables: columns and their data types, hints, contracts, and how it grows with each load."""
