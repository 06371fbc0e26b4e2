//! From a stream of bytes to complete tar archives, and from an archive to the files it holds.
