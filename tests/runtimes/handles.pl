# Handles close when their last reference goes. For "/leak" it is kept.
use strict;
use warnings;
use IO::Socket::INET;

my @kept;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 50)
	or die "listen: $!";
$| = 1;
print 'listening on port ', $listener->sockport, "\n";
while (my $socket = $listener->accept) {
	my $request = '';
	sysread $socket, $request, 4096;
	syswrite $socket, "HTTP/1.0 200 OK\r\n\r\nhello\n";
	while (sysread $socket, my $rest, 4096) {
	}
	push @kept, $socket if $request =~ m{/leak};
}
