// A thread per connection. Java closes in two steps: it lays a dead socket over the descriptor
// (dup2), and closes it when no thread is in a call on it. For "/leak" the socket is kept.
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

public class Blocking {
	static final List<Socket> kept = new CopyOnWriteArrayList<>();

	static void serve(Socket socket)
	{
		try {
			byte[] bytes = new byte[4096];
			int n = socket.getInputStream().read(bytes);
			boolean leak = n > 0 && new String(bytes, 0, n).contains("/leak");

			socket.getOutputStream().write("HTTP/1.0 200 OK\r\n\r\nhello\n".getBytes());
			while (socket.getInputStream().read(bytes) > 0)
				;
			if (leak)
				kept.add(socket);
			else
				socket.close();
		} catch (IOException e) {
			closeQuietly(socket);
		}
	}

	static void closeQuietly(Socket socket)
	{
		try {
			socket.close();
		} catch (IOException e) {
			// nobody wants to know
		}
	}

	static Socket acceptOne(ServerSocket listener) throws IOException
	{
		return listener.accept();
	}

	public static void main(String[] args) throws IOException
	{
		ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

		System.out.println("listening on port " + listener.getLocalPort() + " ");
		while (true) {
			Socket socket = acceptOne(listener);

			new Thread(() -> serve(socket)).start();
		}
	}
}
