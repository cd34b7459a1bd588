/** Which provider carries codes to phones, and what it has to be told. */
export type SmsSettings =
  | { driver: 'log' }
  | { driver: 'webhook'; url: string; secret: string }
  | { driver: 'twilio'; accountSid: string; authToken: string; from: string; baseUrl: string | null }
  | {
      driver: 'aliyun';
      accessKeyId: string;
      accessKeySecret: string;
      signName: string;
      templateId: string;
      baseUrl: string | null;
    }
  | {
      driver: 'tencent';
      secretId: string;
      secretKey: string;
      appId: string;
      signName: string;
      templateId: string;
      baseUrl: string | null;
    };
