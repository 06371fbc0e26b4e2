complete --keep-order --exclusive --command spoutctl --arguments "(COMPLETE=fish spoutctl -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
