"""What somebody asks for, from a call or a command to the rows of the ledger: read, found possible, recorded."""
