// For "/leak" the stream is kept; the others are closed when they are dropped.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

fn serve(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut request = [0; 4096];
    let n = stream.read(&mut request)?;
    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello\n")?;
    while stream.read(&mut [0; 4096])? > 0 {}
    Ok(String::from_utf8_lossy(&request[..n]).contains("/leak"))
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut kept = Vec::new();
    println!("listening on port {}", listener.local_addr().unwrap().port());
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        if serve(&mut stream).unwrap_or(false) {
            kept.push(stream);
        }
    }
}
