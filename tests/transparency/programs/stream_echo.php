<?php
// SPDX-License-Identifier: MIT
// Lines come back as they are: one loop over stream_select.
$listener = stream_socket_server('tcp://127.0.0.1:' . $argv[1]);
$clients = [];
while (true) {
	$read = array_merge([$listener], $clients);
	$write = $except = null;
	if (!stream_select($read, $write, $except, 10))
		continue;
	foreach ($read as $stream) {
		if ($stream === $listener) {
			$client = stream_socket_accept($listener);
			if ($client)
				$clients[(int)$client] = $client;
			continue;
		}
		$line = @fread($stream, 8192);
		if ($line === false || $line === '') {
			unset($clients[(int)$stream]);
			fclose($stream);
		} else {
			@fwrite($stream, $line);
		}
	}
}
