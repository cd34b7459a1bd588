/** A bucket of S3, or of anything that speaks like it. */
export interface S3Settings {
  /** Such as https://s3.eu-central-1.amazonaws.com or http://127.0.0.1:9000; the bucket goes into the path. */
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}
