"""Starting the program: all of it on one machine (`mailrun up`), or each part alone."""
