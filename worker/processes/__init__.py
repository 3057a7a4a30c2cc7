"""The processes of one machine: what each is, how they are started, watched over and ended."""
