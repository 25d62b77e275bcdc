// A keep-alive HTTP/1.1 client on a bare socket, one request at a time. The generator shares the machine with what it
// measures, so it does as little as it can: a general client would take several times as much from the figures.

import { connect } from 'node:net';

export class Connection {
  constructor(port) {
    this.waiting = null;
    this.text = '';
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk) => this.read(chunk));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  /** Sends a whole request; gives the status of its answer. */
  call(request) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request, 'latin1');
    });
  }

  read(chunk) {
    this.text += chunk;
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const at = this.text.indexOf('ontent-Length: ');
    const length = at < 0 || at > end ? 0 : Number.parseInt(this.text.slice(at + 15, at + 25), 10);
    if (this.text.length < end + 4 + length) return;
    const status = Number.parseInt(this.text.slice(9, 12), 10);
    this.text = '';
    const { resolve } = this.waiting;
    this.waiting = null;
    resolve(status);
  }

  fail(error) {
    this.waiting?.reject(error);
    this.waiting = null;
  }
}
