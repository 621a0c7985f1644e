/**
 * RDMSR and WRMSR, for the registers of Pentium to Pentium III that operating systems touch. Both are called from
 * JavaScript at a `leave`. AssemblyScript.
 */
import {
  EAX,
  ECX,
  EDX,
  F_BBL_CR_CTL,
  F_CPUID_FEATURES,
  F_DEBUGCTL,
  F_EBL_CR_POWERON,
  F_SYSENTER_CS,
  F_SYSENTER_EIP,
  F_SYSENTER_ESP,
  F_TSC_OFFSET,
  F_UCODE_REVISION,
  V_GP,
} from '../layout';
import { raise } from './cpu';
import { timeStampCounter } from './system';

const P5_MC_ADDR: u32 = 0x000;
const P5_MC_TYPE: u32 = 0x001;
const IA32_TSC: u32 = 0x010;
const IA32_PLATFORM_ID: u32 = 0x017;
const EBL_CR_POWERON: u32 = 0x02a;
const BIOS_UPDT_TRIG: u32 = 0x079;
const BIOS_SIGN_ID: u32 = 0x08b;
const BBL_CR_CTL: u32 = 0x119;
const SYSENTER_CS: u32 = 0x174;
const SYSENTER_ESP: u32 = 0x175;
const SYSENTER_EIP: u32 = 0x176;
const DEBUGCTL: u32 = 0x1d9;

const FEATURE_SEP: u32 = 0x800;

/** Where a register that is simply stored has its 32 bits; 0 if there is no such register. */
function storedAt(number: u32): u32 {
  switch (number) {
    case EBL_CR_POWERON:
      return F_EBL_CR_POWERON;
    case BBL_CR_CTL:
      return F_BBL_CR_CTL;
    case DEBUGCTL:
      return F_DEBUGCTL;
    default:
      break;
  }
  if ((load<u32>(F_CPUID_FEATURES) & FEATURE_SEP) == 0) return 0;
  switch (number) {
    case SYSENTER_CS:
      return F_SYSENTER_CS;
    case SYSENTER_ESP:
      return F_SYSENTER_ESP;
    case SYSENTER_EIP:
      return F_SYSENTER_EIP;
    default:
      return 0;
  }
}

function answer(low: u32, high: u32): void {
  store<u32>(EAX, low);
  store<u32>(EDX, high);
}

export function rdmsr(): void {
  const number = load<u32>(ECX);
  const at = storedAt(number);
  if (at != 0) return answer(load<u32>(at), 0);
  switch (number) {
    case IA32_TSC: {
      const tsc = timeStampCounter();
      return answer(<u32>tsc, <u32>(tsc >> 32));
    }
    case BIOS_SIGN_ID:
      return answer(0, load<u32>(F_UCODE_REVISION));
    case P5_MC_ADDR:
    case P5_MC_TYPE:
    case IA32_PLATFORM_ID:
      return answer(0, 0);
    default:
      raise(V_GP, 0);
  }
}

export function wrmsr(): void {
  const number = load<u32>(ECX);
  const at = storedAt(number);
  if (at != 0) {
    store<u32>(at, load<u32>(EAX));
    return;
  }
  switch (number) {
    case IA32_TSC: {
      const wanted = (<u64>load<u32>(EDX) << 32) | load<u32>(EAX);
      store<u64>(F_TSC_OFFSET, wanted - timeStampCounter() + load<u64>(F_TSC_OFFSET));
      return;
    }
    case BIOS_SIGN_ID:
      store<u32>(F_UCODE_REVISION, load<u32>(EDX));
      return;
    case BIOS_UPDT_TRIG: // no microcode to update
    case P5_MC_ADDR:
    case P5_MC_TYPE:
      return;
    default:
      raise(V_GP, 0);
  }
}
