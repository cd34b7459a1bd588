/** Which way mails go out, and what it has to be told. */
export type MailSettings =
  | { driver: 'log' }
  /** `url`: smtp://user:pass@host:port or smtps://…; `service`: a name that nodemailer knows, such as gmail or QQ. */
  | {
      driver: 'smtp';
      server: { url: string } | { service: string; user: string; pass: string };
      from: string;
    }
  | { driver: 'resend' | 'brevo'; apiKey: string; from: string; baseUrl: string | null };
