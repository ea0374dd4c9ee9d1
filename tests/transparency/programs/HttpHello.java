// SPDX-License-Identifier: MIT
// The JDK's own server, a thread pool behind it.
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class HttpHello {
	public static void main(String[] args) throws Exception {
		InetAddress loopback = InetAddress.getLoopbackAddress();
		HttpServer server = HttpServer.create(
			new InetSocketAddress(loopback, Integer.parseInt(args[0])), 128);
		ExecutorService pool = Executors.newFixedThreadPool(4);
		server.setExecutor(pool);
		server.createContext("/", exchange -> {
			byte[] body = "hello\n".getBytes();
			exchange.sendResponseHeaders(200, body.length);
			exchange.getResponseBody().write(body);
			exchange.close();
		});
		server.start();
		if (args[1].equals("handler"))
			Runtime.getRuntime().addShutdownHook(new Thread(() -> {
				server.stop(0);
				pool.shutdown();
				System.out.println("closed");
			}));
	}
}
