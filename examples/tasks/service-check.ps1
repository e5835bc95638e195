# Example task type in PowerShell: fails if a Windows service is not running.
# Copy it to the folder of the setting [tasks] folder (default: data\tasks).
param([switch]$describe)
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.UTF8Encoding]::new($false)
[Console]::InputEncoding = [Text.UTF8Encoding]::new($false)

# Belfry calls the script with --describe, which PowerShell passes as a plain argument.
if ($describe -or $args -contains '--describe') {
    @'
{
  "title": {"en": "Windows service", "zh": "Windows 服务检查"},
  "description": {"en": "Fails if a Windows service is not running.", "zh": "当 Windows 服务未运行时失败。"},
  "params_schema": {
    "type": "object", "additionalProperties": false, "required": ["service"],
    "properties": {
      "service": {"type": "string", "description": "The name of the service.", "x-description-zh": "服务名称。"}
    }
  },
  "example": {"service": "Spooler"}
}
'@
    exit 0
}

$params = [Console]::In.ReadToEnd() | ConvertFrom-Json
$service = Get-Service -Name $params.service -ErrorAction SilentlyContinue
if ($null -eq $service) {
    [Console]::Error.WriteLine("service not found: $($params.service)")
    exit 1
}
@{ service = $service.Name; status = "$($service.Status)" } | ConvertTo-Json -Compress
if ($service.Status -eq 'StartPending') { exit 75 } # retryable
if ($service.Status -ne 'Running') {
    [Console]::Error.WriteLine("the service $($service.Name) is $($service.Status)")
    exit 1
}
