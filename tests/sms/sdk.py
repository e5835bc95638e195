"""Sends one message with a provider's own SDK. Arguments: provider, host:port of the gateway, access key, secret key."""

import json
import sys

provider, address, access_key, secret_key = sys.argv[1:]
params = json.dumps({"code": "12 *~/34", "名": "钟楼"}, ensure_ascii=False)

if provider == "tencent":
    from tencentcloud.common import credential
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile
    from tencentcloud.sms.v20210111 import models, sms_client

    http = HttpProfile(protocol="http", endpoint=address)
    client = sms_client.SmsClient(credential.Credential(access_key, secret_key), "ap-guangzhou", ClientProfile(httpProfile=http))
    request = models.SendSmsRequest()
    request.from_json_string(json.dumps({
        "PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "1400006666", "SignName": "钟楼", "TemplateId": "1110",
        "TemplateParamSet": ["1234"],
    }))
    print(json.loads(client.SendSms(request).to_json_string())["SendStatusSet"][0]["Code"])
else:
    from alibabacloud_dysmsapi20170525 import models
    from alibabacloud_dysmsapi20170525.client import Client
    from alibabacloud_tea_openapi import models as open_api

    config = open_api.Config(access_key_id=access_key, access_key_secret=secret_key, endpoint=address, protocol="http")
    request = models.SendSmsRequest(
        phone_numbers="13800138000", sign_name="钟楼", template_code="SMS_1", template_param=params)
    print(Client(config).send_sms(request).body.code)
