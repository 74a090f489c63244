"""Places that hold settings: the environment, files, directories, keyrings, AWS, and those that other distributions bring."""
