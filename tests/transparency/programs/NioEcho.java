// SPDX-License-Identifier: MIT
// Lines come back as they are: one selector, blocking nothing.
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Iterator;

public class NioEcho {
	private static void echo(SocketChannel channel, ByteBuffer buffer) {
		try {
			buffer.clear();
			if (channel.read(buffer) < 0) {
				channel.close();
				return;
			}
			buffer.flip();
			while (buffer.hasRemaining())
				channel.write(buffer);
		} catch (IOException e) {
			try {
				channel.close();
			} catch (IOException ignored) {
				return;
			}
		}
	}

	public static void main(String[] args) throws Exception {
		Selector selector = Selector.open();
		ServerSocketChannel listener = ServerSocketChannel.open();
		listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(),
						    Integer.parseInt(args[0])), 128);
		listener.configureBlocking(false);
		listener.register(selector, SelectionKey.OP_ACCEPT);
		ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
		while (selector.select() >= 0) {
			for (Iterator<SelectionKey> i = selector.selectedKeys().iterator(); i.hasNext();) {
				SelectionKey key = i.next();
				i.remove();
				if (!key.isAcceptable()) {
					echo((SocketChannel) key.channel(), buffer);
					continue;
				}
				SocketChannel channel = listener.accept();
				if (channel == null)
					continue;
				channel.configureBlocking(false);
				channel.register(selector, SelectionKey.OP_READ);
			}
		}
	}
}
