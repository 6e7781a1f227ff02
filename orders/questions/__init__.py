"""What has to be asked of Appmax: which orders, when, and what its answer means."""
