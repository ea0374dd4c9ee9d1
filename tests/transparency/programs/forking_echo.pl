# SPDX-License-Identifier: MIT
# Lines come back as they are: a process for each connection.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $end) = @ARGV;
my $over = 0;
$SIG{CHLD} = 'IGNORE';
$SIG{TERM} = sub { $over = 1 } if $end eq 'handler';
my $listener = IO::Socket::INET->new(
	LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 128, ReuseAddr => 1) or die $!;
while (!$over) {
	my $client = $listener->accept or next;
	if (!fork) {
		$SIG{TERM} = 'DEFAULT';
		close $listener;
		print $client $_ while <$client>;
		exit 0;
	}
	close $client;
}
print "closed\n";
