# A task type for Belfry in PowerShell: fails when a Windows service does not run.
# Copy it into the folder of the setting [tasks] folder (by default data\tasks).
param([switch]$describe)
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.UTF8Encoding]::new($false)
[Console]::InputEncoding = [Text.UTF8Encoding]::new($false)

# Belfry calls it with --describe, which PowerShell hands over as a plain argument.
if ($describe -or $args -contains '--describe') {
    @'
{
  "title": {"en": "Windows service", "zh": "Windows 服务检查"},
  "description": {"en": "Fails when a Windows service does not run.", "zh": "当 Windows 服务未运行时失败。"},
  "params_schema": {
    "type": "object", "additionalProperties": false, "required": ["service"],
    "properties": {
      "service": {"type": "string", "description": "The service's name.", "x-description-zh": "服务名称。"}
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
    [Console]::Error.WriteLine("there is no service $($params.service)")
    exit 1
}
@{ service = $service.Name; status = "$($service.Status)" } | ConvertTo-Json -Compress
if ($service.Status -eq 'StartPending') { exit 75 } # try again later
if ($service.Status -ne 'Running') {
    [Console]::Error.WriteLine("the service $($service.Name) is $($service.Status)")
    exit 1
}
