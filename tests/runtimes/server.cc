// For "/leak" the connection is kept; the others are closed by their destructor.
#include <arpa/inet.h>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace net
{

class Connection
{
public:
	explicit Connection(int fd) : fd(fd) {}
	Connection(const Connection &) = delete;
	~Connection() { close(fd); }
	bool serve();

private:
	int fd;
};

bool Connection::serve()
{
	static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nhello\n";
	char request[4096] = "", rest[4096];

	if (read(fd, request, sizeof(request) - 1) > 0)
		send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
	while (read(fd, rest, sizeof(rest)) > 0)
		;
	return strstr(request, "/leak");
}

template <typename Peer> class Server
{
public:
	Server();
	std::unique_ptr<Peer> accept_one();

private:
	int fd;
};

template <typename Peer> Server<Peer>::Server()
{
	struct sockaddr_in addr = {};
	socklen_t len = sizeof(addr);

	fd = socket(AF_INET, SOCK_STREAM, 0);
	addr.sin_family = AF_INET;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(fd, (struct sockaddr *)&addr, len);
	listen(fd, 50);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	printf("listening on port %d\n", ntohs(addr.sin_port));
	fflush(stdout);
}

template <typename Peer> std::unique_ptr<Peer> Server<Peer>::accept_one()
{
	struct sockaddr *nobody = nullptr;
	socklen_t *nothing = nullptr;
	int accepted = std::invoke(accept, fd, nobody, nothing);

	return std::make_unique<Peer>(accepted);
}

} // namespace net

int main()
{
	net::Server<net::Connection> server;
	std::vector<std::unique_ptr<net::Connection>> kept;

	for (;;) {
		auto connection = server.accept_one();

		if (connection->serve())
			kept.push_back(std::move(connection));
	}
}
