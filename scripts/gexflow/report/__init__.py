"""Stage report: one HTML page that shows the whole study."""
