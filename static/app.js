// A few lines that HTML and htmx cannot: see below.
