// SPDX-License-Identifier: MIT
// Lines come back as they are: a thread for each connection, closed by another one at the end.
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

public class ThreadedEcho {
	private static void echo(Socket socket) {
		try (socket) {
			InputStream in = socket.getInputStream();
			byte[] buffer = new byte[4096];
			for (int n = in.read(buffer); n >= 0; n = in.read(buffer))
				socket.getOutputStream().write(buffer, 0, n);
		} catch (IOException e) {
			return;
		}
	}

	public static void main(String[] args) throws Exception {
		ServerSocket listener = new ServerSocket(Integer.parseInt(args[0]), 128,
							 InetAddress.getLoopbackAddress());
		Thread main = Thread.currentThread();
		if (args[1].equals("handler"))
			Runtime.getRuntime().addShutdownHook(new Thread(() -> {
				try {
					listener.close();
					main.join(5000); // what it prints is not left to chance
				} catch (IOException | InterruptedException e) {
					throw new RuntimeException(e);
				}
			}));
		try {
			while (true) {
				Socket socket = listener.accept();
				new Thread(() -> echo(socket)).start();
			}
		} catch (IOException e) {
			System.out.println("closed: " + e.getMessage());
		}
	}
}
