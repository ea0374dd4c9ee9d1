<?php
// One connection after the other. For "/leak" the stream is kept; the others die with their
// last reference.
$kept = [];
$server = stream_socket_server('tcp://127.0.0.1:0');
echo 'listening on port ', explode(':', stream_socket_get_name($server, false))[1], "\n";
while ($stream = stream_socket_accept($server, -1)) {
	$request = fread($stream, 4096);
	fwrite($stream, "HTTP/1.0 200 OK\r\n\r\nhello\n");
	while (fread($stream, 4096) != '')
		;
	if (str_contains($request, '/leak'))
		$kept[] = $stream;
	$stream = null;
}
