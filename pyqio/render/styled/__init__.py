"""Results on a terminal: colours, tables, and what keeps to the width of the window."""
