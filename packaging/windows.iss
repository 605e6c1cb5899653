; Inno Setup's script for Windows. packaging\build_package.py runs it there, behind PyInstaller.
; NOT RUN: neither this script nor the bundle that it packs has been tried on Windows yet.
; Installed for the current user, so that no administrator is asked; the data folder stays when it is removed.
#ifndef Version
  #error Give the version: iscc /DVersion=... packaging\windows.iss
#endif

[Setup]
AppId=Faregate
AppName=Faregate
AppVersion={#Version}
DefaultDirName={autopf}\Faregate
DefaultGroupName=Faregate
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile=..\LICENSE
SetupIconFile=..\build\icons\faregate.ico
UninstallDisplayIcon={app}\faregate-window.exe
OutputDir=..\dist
OutputBaseFilename=faregate-{#Version}-setup
Compression=lzma2
SolidCompression=yes

[Tasks]
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[Files]
Source: "..\build\package\faregate\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion
Source: "..\build\package\licenses\*"; DestDir: "{app}\licenses"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\Faregate"; Filename: "{app}\faregate-window.exe"
Name: "{group}\Faregate (demo)"; Filename: "{app}\faregate-window.exe"; Parameters: "demo"
Name: "{autodesktop}\Faregate"; Filename: "{app}\faregate-window.exe"; Tasks: desktopicon

[Run]
Filename: "{app}\faregate-window.exe"; Description: "{cm:LaunchProgram,Faregate}"; Flags: nowait postinstall skipifsilent
