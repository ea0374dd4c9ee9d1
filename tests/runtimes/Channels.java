// A selector over channels: a channel that is registered is closed by the next select(). For
// "/leak" the key is cancelled and the channel forgotten.
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

public class Channels {
	static final List<SocketChannel> kept = new ArrayList<>();

	static void read(SelectionKey key) throws IOException
	{
		SocketChannel channel = (SocketChannel)key.channel();
		ByteBuffer bytes = ByteBuffer.allocate(4096);

		if (channel.read(bytes) > 0) {
			if (new String(bytes.array(), 0, bytes.position()).contains("/leak"))
				key.attach("leak");
			channel.write(ByteBuffer.wrap("HTTP/1.0 200 OK\r\n\r\nhello\n".getBytes()));
		} else if (key.attachment() != null) {
			key.cancel();
			kept.add(channel);
		} else {
			channel.close();
		}
	}

	static void serve(SelectionKey key, Selector selector) throws IOException
	{
		if (key.isAcceptable()) {
			SocketChannel channel = ((ServerSocketChannel)key.channel()).accept();

			channel.configureBlocking(false);
			channel.register(selector, SelectionKey.OP_READ);
			return;
		}
		try {
			read(key);
		} catch (IOException e) {
			key.channel().close();
		}
	}

	public static void main(String[] args) throws IOException
	{
		Selector selector = Selector.open();
		ServerSocketChannel listener = ServerSocketChannel.open();

		listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
		listener.configureBlocking(false);
		listener.register(selector, SelectionKey.OP_ACCEPT);
		System.out.println("listening on port " + listener.socket().getLocalPort() + " ");
		while (true) {
			selector.select();
			for (SelectionKey key : selector.selectedKeys())
				serve(key, selector);
			selector.selectedKeys().clear();
		}
	}
}
