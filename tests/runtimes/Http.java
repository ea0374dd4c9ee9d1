// The server of the library. Nothing is forgotten.
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

public class Http {
	public static void main(String[] args) throws IOException
	{
		HttpServer server = HttpServer.create(
			new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);

		server.createContext("/", exchange -> {
			exchange.sendResponseHeaders(200, 6);
			exchange.getResponseBody().write("hello\n".getBytes());
			exchange.close();
		});
		server.setExecutor(Executors.newFixedThreadPool(4));
		server.start();
		System.out.println("listening on port " + server.getAddress().getPort() + " ");
	}
}
