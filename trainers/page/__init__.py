"""The report: what stands in it, from files, and the HTML page that shows it."""
