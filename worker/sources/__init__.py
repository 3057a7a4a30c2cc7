"""Where rows come from: a file opened anywhere, read in constant memory, and cut into stretches."""
