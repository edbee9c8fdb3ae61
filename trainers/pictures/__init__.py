"""Pictures: functions from data to Matplotlib figures, a file a subject, and what finds their data."""
