# keep_alive_client.py PORT...: a connection kept to each; the servers hang up while it does other
# things. Waits to be stopped, its connections unused since.
import http.client
import signal
import sys

kept = []
for port in sys.argv[1:]:
    kept.append(http.client.HTTPConnection("127.0.0.1", int(port)))
    kept[-1].request("GET", "/")
    assert kept[-1].getresponse().read() == b"k"
print("has asked", flush=True)
signal.pause()
