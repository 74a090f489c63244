"""What tables and columns are called at the destination: conventions, lengths, cases, and names that meet."""
