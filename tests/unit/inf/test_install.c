/* SPDX-License-Identifier: MIT */
/*
 * Install sections carried out on a registry that is only written down: every
 * directive by what its page says, mostly by the page's own example.
 */
#include "book.h"
#include "nt/cm.h"
#include "nt/io.h"
#include "rtl/rtl.h"

#define SERVICES "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define CLASS    "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\"
#define GUID_A   "{4d36e97d-e325-11ce-bfc1-08002be10318}"
#define HEAD                                                                                                 \
    "[Version]\nSignature=\"$Windows NT$\"\nClass=System\nClassGuid=" GUID_A                                 \
    "\nProvider=Maker\nDriverVer=11/20/2026,1.2.3.4\n[Manufacturer]\nMaker=Models,NTamd64\n"                 \
    "[Models.NTamd64]\n\"A card\"=Card,ROOT\\CARD\n"

static struct inf_error error;
static const struct inf_system windows = {10, 0, 19045, 1, 0x100};
static const char *const hardware[] = {"ROOT\\CARD"};
static const struct inf_ids ids = {.hardware = hardware, .hardware_count = 1};
static const struct inf *other; /* what Include finds */

static const struct inf *include(void *context, const char *name)
{
    return inf_same(name, "other.inf") ? other : NULL;
}
static const struct inf_loader loader = {.include = include, .file_name = "card.inf"};

static struct inf *open_text(const char *text)
{
    struct inf *inf = inf_open(text, strlen(text), 0x409, &error);

    assert_non_null(inf);
    return inf;
}

static struct inf_plan *plan_of(const struct inf *inf)
{
    struct inf_match match;

    assert_true(inf_match(inf, &windows, &ids, &match));
    return inf_plan_device(inf, &match, &loader, &error);
}

/* Plans and applies; the plan is the caller's. */
static struct inf_plan *install(struct inf *inf)
{
    struct inf_plan *plan = plan_of(inf);
    const struct inf_step *failed;

    if (plan == NULL)
        print_message("line %u: %s\n", error.line, error.text);
    assert_non_null(plan);
    assert_int_equal(inf_apply(inf_plan_steps(plan), &book_ops, &failed), STATUS_SUCCESS);
    assert_null(failed);
    return plan;
}

static void install_text(const char *text)
{
    struct inf *inf = open_text(text);

    inf_plan_free(install(inf));
    inf_close(inf);
}

/* The error that planning ends with. */
static void refused(const char *text, unsigned line, const char *why)
{
    struct inf *inf = open_text(text);

    assert_null(plan_of(inf));
    assert_int_equal(error.line, line);
    if (strstr(error.text, why) == NULL)
        print_message("%s\n", error.text);
    assert_non_null(strstr(error.text, why));
    inf_close(inf);
}

static bool noted(const struct inf_plan *plan, const char *what)
{
    for (const struct inf_note *note = inf_plan_notes(plan); note != NULL; note = note->next)
        if (strstr(note->text, what) != NULL)
            return true;
    return false;
}

#define assert_value(path, name, expected) assert_string_equal(book_value(path, name), expected)

static int start(void **state)
{
    book_clear();
    other = NULL;
    return 0;
}

static void a_device_and_its_driver_are_described(void **state)
{
    install_text(HEAD
                 "[Card.NTamd64]\nFeatureScore=10\n[Card.NTamd64.Services]\nAddService=card,2,Service\n"
                 "[Service]\nServiceType=1\nStartType=3\nErrorControl=1\nServiceBinary=%12%\\card.sys\n");
    assert_value(HARDWARE, "Service", "1:card");
    assert_value(HARDWARE, "ClassGUID", "1:" GUID_A);
    assert_value(HARDWARE, "Class", "1:System");
    assert_value(HARDWARE, "DeviceDesc", "1:A card");
    assert_value(HARDWARE, "Mfg", "1:Maker");
    assert_value(HARDWARE, "ConfigFlags", "4:00000000");
    assert_value(SOFTWARE, "DriverDesc", "1:A card");
    assert_value(SOFTWARE, "ProviderName", "1:Maker");
    assert_value(SOFTWARE, "InfPath", "1:card.inf");
    assert_value(SOFTWARE, "InfSection", "1:Card");
    assert_value(SOFTWARE, "InfSectionExt", "1:.NTamd64");
    assert_value(SOFTWARE, "MatchingDeviceId", "1:ROOT\\CARD");
    assert_value(SOFTWARE, "DriverDate", "1:11/20/2026");
    assert_value(SOFTWARE, "DriverVersion", "1:1.2.3.4");
    assert_value(CLASS GUID_A, "Class", "1:System");
}

static void services_get_their_keys(void **state)
{
    install_text(
        HEAD "[Card]\n[Card.Services]\nAddService=card,2,Service,Log\n[Service]\nDisplayName=\"The card\"\n"
             "ServiceType=1\nStartType=0x3\nErrorControl=1\nServiceBinary=%10%\\System32\\drivers\\card.sys\n"
             "LoadOrderGroup=Extended Base\nDependencies=first,+Group,second\nSecurity=\"D:P(A;;GA;;;SY)\"\n"
             "AddReg=Parameters\n[Parameters]\nHKR,Parameters,Speed,0x10001,7\n"
             "[Log]\nAddReg=Log.Reg\n[Log.Reg]\nHKR,,TypesSupported,0x00010001,7\n"
             "HKR,,EventMessageFile,0x00020000,\"%%SystemRoot%%\\System32\\IoLogMsg.dll\"\n");
    assert_value(SERVICES "card", "Type", "4:00000001");
    assert_value(SERVICES "card", "Start", "4:00000003");
    assert_value(SERVICES "card", "ErrorControl", "4:00000001");
    assert_value(SERVICES "card", "ImagePath", "2:\\SystemRoot\\System32\\drivers\\card.sys");
    assert_value(SERVICES "card", "DisplayName", "1:The card");
    assert_value(SERVICES "card", "Group", "1:Extended Base");
    assert_value(SERVICES "card", "DependOnService", "7:first|second|");
    assert_value(SERVICES "card", "DependOnGroup", "7:Group|");
    assert_value(SERVICES "card", "Owners", "7:card.inf|");
    assert_value(SERVICES "card\\Parameters", "Speed", "4:00000007");
    assert_value(SERVICES "card\\Security", "Security", "3:443a5028413b3b47413b3b3b535929");
    assert_value(SERVICES "EventLog\\System\\card", "TypesSupported", "4:00000007");
    assert_value(SERVICES "EventLog\\System\\card", "EventMessageFile",
                 "2:%SystemRoot%\\System32\\IoLogMsg.dll");
}

/* SPSVCINST_NOCLOBBER_STARTTYPE and _DISPLAYNAME; without the flag the new value stands. */
static void older_service_values_stand_where_a_flag_says_so(void **state)
{
    ULONG disabled = 4;

    book_put(SERVICES "card", "Start", REG_DWORD, &disabled, 4);
    book_put(SERVICES "card", "Type", REG_DWORD, &disabled, 4);
    install_text(HEAD
                 "[Card]\n[Card.Services]\nAddService=card,0x12,Service\n"
                 "[Service]\nServiceType=1\nStartType=3\nErrorControl=1\nServiceBinary=%12%\\card.sys\n");
    assert_value(SERVICES "card", "Start", "4:00000004");
    assert_value(SERVICES "card", "Type", "4:00000001");
}

static void a_device_can_have_the_null_driver(void **state)
{
    book_put(HARDWARE, "Service", REG_SZ, u"old", 8);
    install_text(HEAD "[Card]\n[Card.Services]\nAddService=,2\n");
    assert_null(book_value(HARDWARE, "Service"));
    assert_value(HARDWARE, "DeviceDesc", "1:A card");
}

static void services_are_deleted(void **state)
{
    book_put(SERVICES "old", "Start", REG_DWORD, "\3\0\0", 4);
    book_put(SERVICES "old\\Parameters", "x", REG_SZ, u"", 2);
    book_put(SERVICES "older", "x", REG_SZ, u"", 2);
    book_put(SERVICES "EventLog\\System\\old", "x", REG_SZ, u"", 2);
    install_text(HEAD "[Card]\n[Card.Services]\nDelService=old,4\nDelService=never_there\n");
    assert_false(book_has_key(SERVICES "old"));
    assert_false(book_has_key(SERVICES "EventLog\\System\\old"));
    assert_true(book_has_key(SERVICES "older"));
}

static void values_have_their_types(void **state)
{
    install_text(HEAD "[Card]\nAddReg=Reg\n[Reg]\nHKR,,Text,,\"a text\"\nHKR,,Number,0x10001,42\n"
                      "HKR,,Minus,0x00010001,-1\nHKR,,Bytes4,0x10001,2a,01,00,00\nHKR,,Binary,1,1,ff, 0a\n"
                      "HKR,,Empty,1\nHKR,,List,0x10000,one,,two\nHKR,,Expand,0x20000,%%path%%\n"
                      "HKR,,None,0x20001,1\nHKR,,Long,0xB0001,0x1122334455667788\n"
                      "HKR,,MYValue,0x00380001,1,0,2,3\nHKR,Sub\nHKR,Only,ignored,0x10,x\nHKR,,,,unnamed\n");
    assert_value(SOFTWARE, "Text", "1:a text");
    assert_value(SOFTWARE, "Number", "4:0000002a");
    assert_value(SOFTWARE, "Minus", "4:ffffffff");
    assert_value(SOFTWARE, "Bytes4", "4:0000012a");
    assert_value(SOFTWARE, "Binary", "3:01ff0a");
    assert_value(SOFTWARE, "Empty", "3:");
    assert_value(SOFTWARE, "List", "7:one|two|");
    assert_value(SOFTWARE, "Expand", "2:%path%");
    assert_value(SOFTWARE, "None", "0:01");
    assert_value(SOFTWARE, "Long", "11:8877665544332211");
    assert_value(SOFTWARE, "MYValue", "56:01000203");
    assert_value(SOFTWARE, "", "1:unnamed");
    assert_true(book_has_key(SOFTWARE "\\Sub"));
    assert_true(book_has_key(SOFTWARE "\\Only"));
    assert_null(book_value(SOFTWARE "\\Only", "ignored"));
}

static void what_is_there_decides(void **state)
{
    book_put(SOFTWARE, "Kept", REG_SZ, u"old", 8);
    book_put(SOFTWARE, "There", REG_SZ, u"old", 8);
    book_put(SOFTWARE, "Gone", REG_SZ, u"old", 8);
    book_put(SOFTWARE, "List", REG_MULTI_SZ, u"One\0Two\0", 18);
    book_put(SOFTWARE, "Single", REG_SZ, u"One", 8);
    book_put(SOFTWARE "\\Whole\\Key", "x", REG_SZ, u"", 2);
    install_text(HEAD "[Card]\nAddReg=Reg\n[Reg]\nHKR,,Kept,2,new\nHKR,,New,2,new\nHKR,,There,0x20,new\n"
                      "HKR,,Absent,0x20,new\nHKR,,Gone,4\nHKR,,NeverThere,4\nHKR,Whole,,4\n"
                      "HKR,,List,0x10008,TWO,three\nHKR,,Fresh,0x10008,a,b\nHKR,,Single,0x10008,two\n");
    assert_value(SOFTWARE, "Kept", "1:old");
    assert_value(SOFTWARE, "New", "1:new");
    assert_value(SOFTWARE, "There", "1:new");
    assert_null(book_value(SOFTWARE, "Absent"));
    assert_null(book_value(SOFTWARE, "Gone"));
    assert_false(book_has_key(SOFTWARE "\\Whole"));
    assert_value(SOFTWARE, "List", "7:One|Two|three|");
    assert_value(SOFTWARE, "Fresh", "7:a|b|");
    assert_value(SOFTWARE, "Single", "7:One|two|");
}

static void registry_entries_are_deleted(void **state)
{
    book_put(SOFTWARE, "Value", REG_SZ, u"old", 8);
    book_put(SOFTWARE, "List", REG_MULTI_SZ, u"One\0Two\0one\0", 26);
    book_put(SOFTWARE "\\Key", "x", REG_SZ, u"", 2);
    book_put("\\Registry\\Machine\\Software\\Maker", "x", REG_SZ, u"", 2);
    install_text(HEAD "[Card]\nDelReg=Del\n[Del]\nHKR,,Value\nHKR,Key\nHKR,,List,0x18002,ONE\n"
                      "HKLM,Software\\Maker\nHKLM,Software\\Nobody\n");
    assert_null(book_value(SOFTWARE, "Value"));
    assert_false(book_has_key(SOFTWARE "\\Key"));
    assert_value(SOFTWARE, "List", "7:Two|");
    assert_false(book_has_key("\\Registry\\Machine\\Software\\Maker"));
}

static void bits_are_set_and_cleared(void **state)
{
    book_put(SOFTWARE, "Bits", REG_BINARY, "\x0f\xf0", 2);
    install_text(HEAD "[Card]\nBitReg=Bits\n[Bits]\nHKR,,Bits,0,03,0\nHKR,,Bits,1,01,1\nHKR,,Bits,1,01,9\n");
    assert_value(SOFTWARE, "Bits", "3:0cf1");
}

static void roots_lead_to_their_keys(void **state)
{
    install_text(HEAD
                 "[Card]\nAddReg=Reg\n[Reg]\nHKLM,Software\\Maker,a,,1\nHKCR,.card,a,,1\nHKCU,Maker,a,,1\n"
                 "HKU,Maker,a,,1\nHKLM,Software\\Maker,b,0x4000,1\n");
    assert_value("\\Registry\\Machine\\Software\\Maker", "a", "1:1");
    assert_value("\\Registry\\Machine\\Software\\Classes\\.card", "a", "1:1");
    assert_value("\\Registry\\User\\.Default\\Maker", "a", "1:1");
    assert_value("\\Registry\\User\\Maker", "a", "1:1");
    assert_value("\\Registry\\Machine\\Software\\Wow6432Node\\Maker", "b", "1:1");
}

static void hardware_values_go_where_pnp_reads_them(void **state)
{
    install_text(
        HEAD "[Card]\n[Card.HW]\nAddReg=HW\n[HW]\nHKR,,UpperFilters,0x10000,above\n"
             "HKR,,Security,,\"D:P(A;;GA;;;SY)\"\nHKR,,Own,,mine\nHKR,Interrupt Management,MSI,0x10001,1\n");
    assert_value(HARDWARE, "UpperFilters", "7:above|");
    assert_value(HARDWARE, "Security", "3:443a5028413b3b47413b3b3b535929");
    assert_value(HARDWARE "\\Device Parameters", "Own", "1:mine");
    assert_value(HARDWARE "\\Device Parameters\\Interrupt Management", "MSI", "4:00000001");
}

#define CLASS_TEXT                                                                                           \
    HEAD "[Card]\n[ClassInstall32]\nAddReg=Class\n[Class]\nHKR,,,,\"All cards\"\n"                           \
         "HKR,,UpperFilters,0x10000,above\nHKR,,DeviceType,0x10001,0x22\n"                                   \
         "[InterfaceInstall32]\n" GUID_A "=Face\n[Face]\nAddReg=Face.Reg\n[Face.Reg]\nHKR,,Note,,face\n"

static void classes_are_installed_once(void **state)
{
    install_text(CLASS_TEXT);
    assert_value(CLASS GUID_A, "", "1:All cards");
    assert_value(CLASS GUID_A, "Class", "1:System");
    assert_value(CLASS GUID_A, "UpperFilters", "7:above|");
    assert_value(CLASS GUID_A "\\Properties", "DeviceType", "4:00000022");
    assert_value("\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\" GUID_A, "Note",
                 "1:face");
    book_put(CLASS GUID_A, "UpperFilters", REG_MULTI_SZ, u"changed\0", 18);
    book_put("\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\" GUID_A, "Note",
             REG_SZ, u"x", 4);
    install_text(CLASS_TEXT);
    assert_value(CLASS GUID_A, "UpperFilters", "7:changed|");
    assert_value("\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\" GUID_A, "Note",
                 "1:x");
}

static void interfaces_are_registered(void **state)
{
    install_text(HEAD "[Card]\n[Card.Interfaces]\nAddInterface=" GUID_A ",wave,Face\nAddInterface=" GUID_A
                      "\n"
                      "[Face]\nAddReg=Face.Reg\n[Face.Reg]\nHKR,,FriendlyName,,\"A face\"\n");
    assert_int_equal(book_interfaces(), 2);
    assert_string_equal(book_last_interface, GUID_A " ");
    assert_value("Interface\\" GUID_A, "FriendlyName", "1:A face");
    refused(HEAD "[Card]\n[Card.Interfaces]\nAddInterface=wave\n", 13, "{GUID}");
}

static void properties_and_filters_are_added(void **state)
{
    install_text(HEAD "[Card]\nAddProperty=Props\n[Props]\nDeviceModel,,,,\"A model\"\n"
                      "{c22189e4-8bf3-4e6d-8467-8dc6d95e2a7e}, 2, 18,, \"String value\"\n"
                      "[Card.Filters]\nAddFilter=above,,Up\nAddFilter=below,,Down\n"
                      "[Up]\nFilterPosition=Upper\n[Down]\nFilterPosition=Lower\n");
    assert_string_equal(book_last_property, "{c22189e4-8bf3-4e6d-8467-8dc6d95e2a7e} 2 type 12 length 26");
    assert_value(HARDWARE, "UpperFilters", "7:above|");
    assert_value(HARDWARE, "LowerFilters", "7:below|");
    refused(HEAD "[Card]\nAddProperty=Props\n[Props]\n" GUID_A ",2,99,,x\n", 14, "no type");
}

/* ---- LogConfig ---- */

static IO_RESOURCE_REQUIREMENTS_LIST *requirements(const struct inf_plan *plan, const char *name)
{
    for (const struct inf_step *step = inf_plan_steps(plan); step != NULL; step = step->next)
        if (step->type == REG_RESOURCE_REQUIREMENTS_LIST && strcmp(step->name, name) == 0) {
            assert_string_equal(step->path, "LogConf");
            assert_int_equal(step->length, ((IO_RESOURCE_REQUIREMENTS_LIST *)step->data)->ListSize);
            return (IO_RESOURCE_REQUIREMENTS_LIST *)step->data;
        }
    return NULL;
}

static void resources_are_alternatives(void **state)
{
    struct inf *inf = open_text(HEAD "[Card]\nLogConfig=Second,First\n[Second]\nConfigPriority=SUBOPTIMAL\n"
                                     "IRQConfig=LS:5,7\nMemConfig=8000@C0000-D7FFF%F0000\n"
                                     "[First]\nConfigPriority=NORMAL\nIOConfig=1F8-1FF(3ff::), 2F8-2FF\n"
                                     "IOConfig=8@300-32F%FF8\nDMAConfig=MF:3\n");
    struct inf_plan *plan = plan_of(inf);
    IO_RESOURCE_REQUIREMENTS_LIST *list = requirements(plan, "BasicConfigVector");
    IO_RESOURCE_LIST *first = &list->List[0];
    IO_RESOURCE_DESCRIPTOR *d = first->Descriptors;

    assert_int_equal(list->AlternativeLists, 2);
    assert_int_equal(first->Count, 4);
    assert_int_equal(d[0].Option, 0);
    assert_int_equal(d[0].Type, CmResourceTypePort);
    assert_int_equal(d[0].Flags, CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_10_BIT_DECODE);
    assert_int_equal(d[0].u.Port.Length, 8);
    assert_int_equal(d[0].u.Port.MinimumAddress.QuadPart, 0x1F8);
    assert_int_equal(d[0].u.Port.MaximumAddress.QuadPart, 0x1FF);
    assert_int_equal(d[1].Option, IO_RESOURCE_ALTERNATIVE);
    assert_int_equal(d[2].Option, 0);
    assert_int_equal(d[2].u.Port.Alignment, 8);
    assert_int_equal(d[2].u.Port.MaximumAddress.QuadPart, 0x32F);
    assert_int_equal(d[3].Flags, CM_RESOURCE_DMA_BUS_MASTER | CM_RESOURCE_DMA_TYPE_F);
    assert_int_equal(d[3].u.Dma.MaximumChannel, 3);
    IO_RESOURCE_LIST *second = (IO_RESOURCE_LIST *)&first->Descriptors[first->Count];
    d = second->Descriptors;
    assert_int_equal(second->Count, 3);
    assert_int_equal(d[0].u.Interrupt.MinimumVector, 5);
    assert_int_equal(d[0].ShareDisposition, CmResourceShareShared);
    assert_int_equal(d[0].Flags, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE);
    assert_int_equal(d[1].Option, IO_RESOURCE_ALTERNATIVE);
    assert_int_equal(d[1].u.Interrupt.MaximumVector, 7);
    assert_int_equal(d[2].u.Memory.Length, 0x8000);
    assert_int_equal(d[2].u.Memory.Alignment, 0x10000);
    inf_plan_free(plan);
    inf_close(inf);
    inf = open_text(HEAD "[Card]\n[Card.LogConfigOverride]\nLogConfig=One\n[One]\nIRQConfig=3\n");
    plan = plan_of(inf);
    assert_non_null(requirements(plan, "OverrideConfigVector"));
    inf_plan_free(plan);
    inf_close(inf);
    refused(HEAD "[Card]\nLogConfig=One\n[One]\nIOConfig=2F8\n", 14, "no range");
    refused(HEAD "[Card]\nLogConfig=One\n[One]\nConfigPriority=BEST\n", 14, "no priority");
}

/* ---- files ---- */

static void files_are_found_by_their_disk(void **state)
{
    struct inf *inf =
        open_text(HEAD "[Card]\nCopyFiles=@one.sys,List\n[List]\nnew.sys,old.sys\nplain.dll\n"
                       "[DestinationDirs]\nDefaultDestDir=12\nList=11,sub\n"
                       "[SourceDisksNames]\n1=Disk,,,\\media\n[SourceDisksNames.amd64]\n2=x64,,,\n"
                       "[SourceDisksFiles]\none.sys=1,deep\\er\nold.sys=1\n"
                       "[SourceDisksFiles.amd64]\nold.sys=2,..\\amd64\n");
    struct inf_plan *plan = plan_of(inf);
    const struct inf_file *file = inf_plan_files(plan);

    assert_string_equal(file->destination, "C:\\Windows\\System32\\drivers\\one.sys");
    assert_string_equal(file->source, "media/deep/er/one.sys");
    file = file->next;
    assert_string_equal(file->destination, "C:\\Windows\\System32\\sub\\new.sys");
    assert_string_equal(file->source, "amd64/old.sys");
    file = file->next;
    assert_string_equal(file->source, "plain.dll");
    assert_null(file->next);
    inf_plan_free(plan);
    inf_close(inf);
}

/* ---- Include, Needs, what is only said ---- */

static void needs_come_behind_the_section_itself(void **state)
{
    struct inf *inf =
        open_text(HEAD "[Card]\nInclude=other.inf,machine.inf\nNeeds=Other.Part,Near,Far\n"
                       "AddReg=Reg\n[Reg]\nHKR,,Value,,own\n[Near]\nAddReg=Near.Reg\n"
                       "[Near.Reg]\nHKR,,Near,,near\n"
                       "[Card.CoInstallers]\nAddReg=Co\n[Co]\nHKR,,CoInstallers32,0x10000,a.dll\n"
                       "[Card.Events]\nAddEventProvider=" GUID_A ",E\n"
                       "[Card.Wdf]\nKmdfService=card,Kmdf\n[Kmdf]\nKmdfLibraryVersion=1.15\n");
    struct inf *second =
        open_text(HEAD "[Other.Part]\nAddReg=Reg\n[Reg]\nHKR,,Value,2,other\nHKR,,Also,,other\n");

    other = second;
    struct inf_plan *plan = install(inf);
    assert_value(SOFTWARE, "Value", "1:own");
    assert_value(SOFTWARE, "Also", "1:other");
    assert_value(SOFTWARE, "Near", "1:near");
    assert_value(SOFTWARE, "CoInstallers32", "7:a.dll|");
    assert_true(noted(plan, "Needs=Far: other.inf is not at hand"));
    assert_true(noted(plan, "co-installers"));
    assert_true(noted(plan, "event provider " GUID_A));
    assert_true(noted(plan, "card wants KMDF 1.15"));
    inf_plan_free(plan);
    inf_close(inf);
    inf_close(second);
}

static void network_adapters_have_entries_of_their_own(void **state)
{
    install_text("[Version]\nSignature=\"$Windows NT$\"\nClass=Net\n"
                 "ClassGuid={4d36e972-e325-11ce-bfc1-08002be10318}\nProvider=Maker\n"
                 "[Manufacturer]\nMaker=Models,NTamd64\n[Models.NTamd64]\n\"A card\"=Card,ROOT\\CARD\n"
                 "[Card]\nCharacteristics=0x84\nBusType=5\n*IfType=6\n*MediaType=0\n*PhysicalMediaType=14\n");
    assert_value(SOFTWARE, "Characteristics", "4:00000084");
    assert_value(SOFTWARE, "BusType", "1:5");
    assert_value(SOFTWARE, "*IfType", "4:00000006");
    assert_value(SOFTWARE, "*PhysicalMediaType", "4:0000000e");
}

static void what_is_not_carried_out_is_said(void **state)
{
    struct inf *inf = open_text(HEAD "[Card]\nRegisterDlls=Dlls\nAddReg=Nowhere\n[Card.Services]\n"
                                     "AddService=card,0x803,Service\n[Service]\nServiceType=1\nStartType=3\n"
                                     "ErrorControl=1\nServiceBinary=%12%\\card.sys\nAddTrigger=T\n");
    struct inf_plan *plan = plan_of(inf);

    assert_true(noted(plan, "RegisterDlls=Dlls is not carried out"));
    assert_true(noted(plan, "there is no section [Nowhere]"));
    assert_true(noted(plan, "load order group"));
    assert_true(noted(plan, "not started"));
    assert_true(noted(plan, "AddTrigger"));
    assert_string_equal(inf_plan_service(plan), "card");
    inf_plan_free(plan);
    inf_close(inf);
}

static void mistakes_are_named_with_their_line(void **state)
{
    refused(HEAD "[Other]\n", 10, "[Card]");
    refused(HEAD "[Card]\nAddReg=R\n[R]\nHKXX,,a,,b\n", 14, "'HKXX' is no root");
    refused(HEAD "[Card]\nAddReg=R\n[R]\nHKR,,a,many,b\n", 14, "'many' is no number");
    refused(HEAD "[Card]\nAddReg=R\n[R]\nHKR,,a,0x10001,blue\n", 14, "'blue' is no number");
    refused(HEAD "[Card]\nAddReg=R\n[R]\nHKR,,a,0x10001,0x100000000\n", 14, "32 bits");
    refused(HEAD "[Card]\nAddReg=R\n[R]\nHKR,,a,1,100\n", 14, "no byte");
    refused(HEAD "[Card]\nAddReg=R\n[R]\nHKR,,a,0x30000,x\n", 14, "no type of text");
    refused(HEAD "[Card]\nDelReg=R\n[R]\nHKR\n", 14, "neither");
    refused(HEAD "[Card]\nBitReg=R\n[R]\nHKR,,a,1,zz,0\n", 14, "mask");
    refused(HEAD "[Card]\n[Card.Services]\nAddService=card,2,Service\n", 13, "[Service]");
    refused(HEAD "[Card]\n[Card.Services]\nAddService=card,2,Service\n[Service]\nServiceType=1\n", 13,
            "has no StartType");
    refused(HEAD "[Card]\n[Card.Services]\nAddService=card,two,Service\n", 13, "'two'");
    refused(HEAD "[Card]\nNeeds=Card\n", 12, "circle");
}

/* ---- DefaultInstall ---- */

static void an_inf_can_be_for_no_device(void **state)
{
    struct inf *inf =
        open_text("[Version]\nSignature=\"$Windows NT$\"\n[DefaultInstall.NTamd64]\nAddReg=Reg\n"
                  "[DefaultInstall.NTamd64.Services]\nAddService=flt,,Service\n"
                  "[Reg]\nHKLM,Software\\Maker,a,,1\n"
                  "[Service]\nServiceType=2\nStartType=3\nErrorControl=1\nServiceBinary=%12%\\f.sys\n");
    struct inf_plan *plan = inf_plan_default(inf, &loader, &error);
    const struct inf_step *failed;

    assert_non_null(plan);
    assert_int_equal(inf_apply(inf_plan_steps(plan), &book_ops, &failed), STATUS_SUCCESS);
    assert_value("\\Registry\\Machine\\Software\\Maker", "a", "1:1");
    assert_value(SERVICES "flt", "Type", "4:00000002");
    assert_null(book_value(HARDWARE, "Service"));
    inf_plan_free(plan);
    inf_close(inf);
    inf = open_text(HEAD);
    assert_null(inf_plan_default(inf, &loader, &error));
    assert_string_equal(error.text, "");
    inf_close(inf);
    inf = open_text("[Version]\nSignature=\"$Windows NT$\"\n[DefaultInstall]\nAddReg=R\n[R]\nHKR,,a,,b\n");
    assert_null(inf_plan_default(inf, &loader, &error));
    assert_int_equal(error.line, 6);
    inf_close(inf);
}

/* ---- rank ---- */

static struct inf_rank rank_of(const char *text, bool *fits)
{
    struct inf *inf = open_text(text);
    struct inf_match match;
    struct inf_rank rank = {0};

    assert_true(inf_match(inf, &windows, &ids, &match));
    *fits = inf_rank_of(inf, &match, &ids, &rank);
    inf_close(inf);
    return rank;
}

static void the_better_rank_wins(void **state)
{
    bool fits;
    struct inf_rank plain = rank_of(HEAD "[Card]\n", &fits);
    assert_true(fits);
    struct inf_rank featured = rank_of(HEAD "[Card]\nFeatureScore=80\n", &fits);
    struct inf_rank newer = rank_of(HEAD "[Card]\nDriverVer=01/01/2027,1.0.0.0\n", &fits);
    struct inf_rank higher = rank_of(HEAD "[Card]\nDriverVer=11/20/2026,1.2.10.0\n", &fits);

    assert_int_equal(plain.rank, 0xFF0000);
    assert_int_equal(featured.rank, 0x800000);
    assert_true(inf_rank_better(&featured, &plain));
    assert_true(inf_rank_better(&newer, &plain));
    assert_true(inf_rank_better(&higher, &plain));
    assert_true(inf_rank_better(&featured, &newer));
    assert_false(inf_rank_better(&plain, &plain));
    rank_of(HEAD "[Card]\nExcludeID=ROOT\\CARD\n", &fits);
    assert_false(fits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_device_and_its_driver_are_described, start),
        cmocka_unit_test_setup(services_get_their_keys, start),
        cmocka_unit_test_setup(older_service_values_stand_where_a_flag_says_so, start),
        cmocka_unit_test_setup(a_device_can_have_the_null_driver, start),
        cmocka_unit_test_setup(services_are_deleted, start),
        cmocka_unit_test_setup(values_have_their_types, start),
        cmocka_unit_test_setup(what_is_there_decides, start),
        cmocka_unit_test_setup(registry_entries_are_deleted, start),
        cmocka_unit_test_setup(bits_are_set_and_cleared, start),
        cmocka_unit_test_setup(roots_lead_to_their_keys, start),
        cmocka_unit_test_setup(hardware_values_go_where_pnp_reads_them, start),
        cmocka_unit_test_setup(classes_are_installed_once, start),
        cmocka_unit_test_setup(interfaces_are_registered, start),
        cmocka_unit_test_setup(properties_and_filters_are_added, start),
        cmocka_unit_test_setup(resources_are_alternatives, start),
        cmocka_unit_test_setup(files_are_found_by_their_disk, start),
        cmocka_unit_test_setup(needs_come_behind_the_section_itself, start),
        cmocka_unit_test_setup(network_adapters_have_entries_of_their_own, start),
        cmocka_unit_test_setup(what_is_not_carried_out_is_said, start),
        cmocka_unit_test_setup(mistakes_are_named_with_their_line, start),
        cmocka_unit_test_setup(an_inf_can_be_for_no_device, start),
        cmocka_unit_test_setup(the_better_rank_wins, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
