"""Real data: find, check, read, cut into batches. One file a data set; downloads only when asked."""
