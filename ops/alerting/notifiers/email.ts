/** E-mail by SMTP: text and HTML; messages of one episode are one thread in the reader's mailbox. */
import { isIP, connect } from 'node:net';
import type { Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import type { SendMailOptions } from 'nodemailer';
import { messageOf } from '../../core/error.ts';
import { describe, linksOf, plainText, alertLines } from './message.ts';
import type { Message } from './message.ts';
import type { Delivery, Outcome, SendContext } from './outcome.ts';
import type { SettingsOf } from './settings.ts';
import { withoutSecrets } from './text.ts';

/** The message as nodemailer takes it. */
export function renderEmail(message: Message, delivery: Delivery, settings: SettingsOf<'email'>): SendMailOptions {
  const { notification, thread } = delivery;
  const domain = /@([\w.-]+)>?\s*$/.exec(settings.from)?.[1] ?? 'sora.invalid';
  const idOf = (id: string): string => `<${id.replaceAll(/[^\w.-]/g, '_')}@${domain}>`;
  const isFirst = thread === undefined || thread.firstId === notification.id;
  return {
    from: settings.from,
    to: [...settings.to],
    subject: message.title,
    text: plainText(message),
    html: renderHtml(message),
    date: new Date(notification.atMs),
    // The same at every attempt: a mailbox that has it shows it once.
    messageId: idOf(notification.id),
    ...(isFirst ? {} : { inReplyTo: idOf(thread.firstId), references: [idOf(thread.firstId)] }),
    headers: {
      'X-Sora-Notification': notification.id,
      // Keeps holiday replies and mailing-list software from answering an alert.
      'Auto-Submitted': 'auto-generated',
      ...(notification.severity === 'critical' && notification.status === 'firing' ? { 'X-Priority': '1', Importance: 'high' } : {}),
    },
  };
}

const colours: Readonly<Record<Message['severity'] | 'resolved', string>> = { critical: '#b71c1c', high: '#e65100', medium: '#f9a825', low: '#1565c0', resolved: '#2e7d32' };

function renderHtml(message: Message): string {
  const colour = colours[message.status === 'resolved' ? 'resolved' : message.severity];
  const paragraph = (text: string | undefined): string => (text === undefined ? '' : `<p>${escape(text)}</p>`);
  const facts = message.facts.map(({ name, value }) => `<tr><th align="left" style="padding-right:12px">${escape(name)}</th><td>${escape(value)}</td></tr>`).join('');
  const items = (lines: readonly string[]): string => `<ul>${lines.map((line) => `<li>${escape(line.replace(/^- /, ''))}</li>`).join('')}</ul>`;
  const links = linksOf(message).map(({ name, url }) => `<a href="${escape(url)}">${name}</a>`).join(' · ');
  return [
    '<!doctype html><html lang="en"><body style="font-family:sans-serif;font-size:14px">',
    `<h2 style="color:${colour}">${escape(message.title)}</h2>`,
    paragraph(message.summary), paragraph(message.description), paragraph(message.why),
    facts === '' ? '' : `<table>${facts}</table>`,
    message.alerts.length > 1 ? `<h3>Alerts</h3>${items(alertLines(message))}` : '',
    message.changes.length > 0 ? `<h3>What changed in the 30 min before</h3>${items(message.changes)}` : '',
    links === '' ? '' : `<p>${links}</p>`,
    '</body></html>',
  ].join('');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

export async function sendEmail(context: SendContext, delivery: Delivery, settings: SettingsOf<'email'>): Promise<Outcome> {
  const mail = renderEmail(describe(delivery, context), delivery, settings);
  const socket: { current?: Socket } = {};
  let isLate = false;
  // nodemailer's own limits count real time; ours is the host's and covers the whole exchange.
  const timer = context.host.timers.after(settings.timeoutMs, () => {
    isLate = true;
    socket.current?.destroy(new Error(`no end within ${settings.timeoutMs} ms`));
  });
  const transport = createTransport({
    host: settings.host,
    port: settings.port,
    secure: settings.tls === 'implicit',
    ignoreTLS: settings.tls === 'none',
    requireTLS: settings.tls === 'required',
    tls: { rejectUnauthorized: settings.verifyCertificate, ...(isIP(settings.host) === 0 ? { servername: settings.host } : {}), ...(settings.ca === undefined ? {} : { ca: settings.ca }) },
    ...(settings.username === undefined ? {} : { auth: { user: settings.username, pass: settings.password ?? '' } }),
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket(_options, callback) {
      const opened = connect({ host: settings.host, port: settings.port });
      socket.current = opened;
      if (isLate) opened.destroy(new Error('late'));
      opened.once('error', (error) => callback(error, undefined));
      opened.once('connect', () => callback(null, { connection: opened }));
    },
  });
  try {
    const sent = await transport.sendMail(mail);
    if (sent.rejected.length > 0) context.writeLog({ event: 'email_partly_rejected', notification: delivery.notification.id, rejected: sent.rejected.length }, 'the mail server took the message for some of its recipients only');
    return { kind: 'sent' };
  } catch (error) {
    return outcomeOf(error, isLate, settings);
  } finally {
    timer.cancel();
    socket.current?.destroy();
    transport.close();
  }
}

/** 5yz answers are final (RFC 5321, 4.2.1); wrong credentials are too; the rest may pass. */
function outcomeOf(error: unknown, isLate: boolean, settings: SettingsOf<'email'>): Outcome {
  const { responseCode, code } = error as { responseCode?: number; code?: string };
  const text = isLate ? `email: no end within ${settings.timeoutMs} ms` : withoutSecrets(`email: ${messageOf(error)}`, settings);
  const isFinal = !isLate && ((responseCode !== undefined && responseCode >= 500 && responseCode < 600) || code === 'EAUTH' || code === 'EENVELOPE');
  return isFinal && !(responseCode !== undefined && responseCode < 500) ? { kind: 'refused', error: text } : { kind: 'retry', error: text };
}
